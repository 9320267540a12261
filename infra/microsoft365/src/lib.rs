//! A simulated Microsoft 365 tenant that holds to Microsoft's documentation
