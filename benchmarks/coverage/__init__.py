"""Do intervals of parameters cover? Fits of known families to cases that other libraries made."""
