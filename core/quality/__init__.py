"""What is worth a look in the pictures themselves."""
