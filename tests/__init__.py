"""The tests mirror the packages; `flows/` tells the stories end to end."""
