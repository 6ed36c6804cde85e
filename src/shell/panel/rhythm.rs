//! How an element is lit over time. Filled in with the looks.
