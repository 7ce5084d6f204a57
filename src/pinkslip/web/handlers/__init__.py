"""One module per subject. A handler gets a `Call` that is let in, read and checked, and answers it."""
