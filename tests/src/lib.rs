//! What greffe promises, told as scenarios and contracts
