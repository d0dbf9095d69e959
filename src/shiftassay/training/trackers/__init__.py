"""Programs that draw the metrics of trainings: a file for each."""
