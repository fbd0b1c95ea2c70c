"""Captured requests and answers, as they lie in S3: which there are, and what is in them."""
