"""Image sets: reading and writing them, the embedded MNIST, matching labels to images."""
