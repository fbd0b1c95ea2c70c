"""Where captured requests and answers are kept, and who may read them."""
