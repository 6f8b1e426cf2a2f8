"""What a compile found, as a file, a page and text in the terminal."""
