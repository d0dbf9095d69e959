"""What becomes of stored results when commands are killed, disks are full or lose power, and files are damaged."""
