//! Randomness, injected: keys, nonces, ids and jitter all come from here.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Where random bytes come from. Cheap to clone.
#[derive(Clone)]
pub struct Random(RandomSource);

#[derive(Clone)]
enum RandomSource {
    System(SystemRandom),
    Seeded { seed: u64, drawn: Arc<AtomicU64> },
}

impl Random {
    /// The operating system's generator.
    #[allow(clippy::disallowed_methods, reason = "this is where the system is asked")]
    pub fn system() -> Self {
        Self(RandomSource::System(SystemRandom::new()))
    }

    /// Repeats its bytes for each seed: for tests and simulations only.
    pub fn seeded(seed: u64) -> Self {
        Self(RandomSource::Seeded { seed, drawn: Arc::default() })
    }

    /// Thirty-two bytes, fit for keys.
    pub fn bytes32(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        match &self.0 {
            // A machine that has no randomness can make no secret: nothing sensible can go on.
            RandomSource::System(system) => system.fill(&mut bytes).expect("the operating system gives random bytes"),
            RandomSource::Seeded { seed, drawn } => {
                let n = drawn.fetch_add(1, Ordering::SeqCst);
                bytes = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(n.to_be_bytes()).finalize().into();
            }
        }
        bytes
    }

    /// A version 4 UUID (RFC 9562).
    pub fn uuid(&self) -> Uuid {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.bytes32()[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// Thirty-two bytes as 43 URL-safe characters: a state, a nonce, the secret half of a key.
    pub fn token(&self) -> String {
        use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes32())
    }

    /// Whether this is one time in `n`.
    pub fn is_one_in(&self, n: u8) -> bool {
        self.bytes32()[0].is_multiple_of(n.max(1))
    }

    /// Between half of `time` and the whole of it, so that many who wait do not return together.
    pub fn jitter(&self, time: Duration) -> Duration {
        let half = time / 2;
        half + half.mul_f64(f64::from(self.bytes32()[0]) / 255.0)
    }
}

impl Default for Random {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
