//! Back from Microsoft: checks the state, seals the tokens, connects
