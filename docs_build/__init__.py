"""What the documentation site has beside the pages in `docs/`: pages made of the code when it is built."""
