"""What nodes of a traced network are matched against, by kind of layer."""
