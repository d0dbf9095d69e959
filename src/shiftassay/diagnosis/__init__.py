"""Which shift lies between two image sets: pairing, search over the catalogue, proof, mechanisms, ceilings, the verdict."""
