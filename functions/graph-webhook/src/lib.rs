//! Takes Graph's notices and turns the genuine ones into jobs
