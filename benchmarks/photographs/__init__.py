"""The diagnosis benchmark on photographs: drawn shifts of crops of pictures that packages bring."""
