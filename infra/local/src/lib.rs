//! The greffe program: the local cloud, the functions and the demo
