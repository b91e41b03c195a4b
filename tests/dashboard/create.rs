//! Creating a token, and the page that shows its secret.
