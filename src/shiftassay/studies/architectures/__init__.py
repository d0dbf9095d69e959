"""The study of architectures: trained over seeds, compared, audited, put to tests that fit them."""
