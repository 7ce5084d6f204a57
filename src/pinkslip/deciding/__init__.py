"""One tick with its input and output: fold, judge, one fenced transaction."""
