"""Which shift lies between two image sets: pairing, verdict, proof, mechanisms, ceilings."""
