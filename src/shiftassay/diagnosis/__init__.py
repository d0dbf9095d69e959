"""From two image sets to the shift between them: pairing, search over the catalogue, proof, the verdict."""
