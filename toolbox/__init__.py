"""The tools of a home: what they are, where they are kept, and which of them fits a request."""
