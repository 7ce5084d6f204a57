"""Making a fire real outside, and knowing whether it became real."""
