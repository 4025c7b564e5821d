//! Signing keys for tests. They are published here, so they protect nothing.
#![expect(
    clippy::expect_used,
    reason = "the texts are constants of this file, and a test loads each of them"
)]

use std::sync::Arc;

use crate::jose::{Alg, JwkSet, SigningKey};
use crate::port::signer::LocalSigner;
use crate::vocabulary::id::KeyId;

/// A key for ES256.
#[must_use]
pub fn es256() -> SigningKey {
    load(Alg::Es256, TEST_ONLY_P256)
}

/// A key for `EdDSA`.
#[must_use]
pub fn eddsa() -> SigningKey {
    load(Alg::EdDsa, TEST_ONLY_ED25519)
}

/// A key for PS256.
#[must_use]
pub fn ps256() -> SigningKey {
    load(Alg::Ps256, TEST_ONLY_RSA_2048)
}

/// All three keys with their names, `test-es256`, `test-eddsa` and `test-ps256`.
#[must_use]
pub fn all() -> Vec<(KeyId, SigningKey)> {
    vec![(id("test-es256"), es256()), (id("test-eddsa"), eddsa()), (id("test-ps256"), ps256())]
}

/// A signer that holds all three.
#[must_use]
pub fn signer() -> Arc<LocalSigner> {
    LocalSigner::new(all())
}

/// The public halves, as a client registers them.
#[must_use]
pub fn public() -> JwkSet {
    JwkSet::new(all().iter().map(|(id, key)| key.public(id)).collect())
}

fn id(text: &str) -> KeyId {
    KeyId::new(text).expect("a name of this file")
}

fn load(alg: Alg, pem: &str) -> SigningKey {
    SigningKey::from_pkcs8_pem(alg, pem, &ring::rand::SystemRandom::new()).expect("a key of this file")
}

/// A key that others encrypt to with RSA-OAEP-256.
#[cfg(feature = "jwe")]
pub fn decryption() -> crate::jose::DecryptionKey {
    let id = KeyId::new("test-rsa-oaep-256").expect("a key identifier");
    let alg = crate::jose::KeyManagement::RsaOaep256;
    crate::jose::DecryptionKey::from_pkcs8_pem(alg, &id, TEST_ONLY_RSA_2048).expect("a key")
}

/// A key that others encrypt to with ECDH-ES.
#[cfg(feature = "jwe")]
pub fn agreement() -> crate::jose::DecryptionKey {
    let id = KeyId::new("test-ecdh-es").expect("a key identifier");
    let alg = crate::jose::KeyManagement::EcdhEs;
    crate::jose::DecryptionKey::from_pkcs8_pem(alg, &id, TEST_ONLY_P256).expect("a key")
}

const TEST_ONLY_P256: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgIEjphVXOBjV+Ez11\n\
E10maTDbd+AIlxlghZuxQyzmU42hRANCAASlJMGmEsPJe02mAczuyXwEdsKZtdN9\n\
Xrp1vN2RYG3AQiH88+wfWaeS0ncui8jczawH1y9N2b1pHvf6OVTAc1N3\n\
-----END PRIVATE KEY-----\n\
";

const TEST_ONLY_ED25519: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MC4CAQAwBQYDK2VwBCIEIMETrDZn/NVDJZ+E6i9aSRx9ZZl5Aoah4Z+vDteuXTCP\n\
-----END PRIVATE KEY-----\n\
";

const TEST_ONLY_RSA_2048: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCS7U+nl58z20uV\n\
XZ3fKAvk3LofAEDU3cgePTwS4qBiUE3DoHoNYVkr2aDgt0KYenhKrNhA/DGY2hTz\n\
H3g2CIKY4sJquZ6Ug0pzJJY9hpsv1tD4knoIb+GC1L9Ga4BgR98HoyDuBuWwH7bZ\n\
kAvp0B/hWTY2kYiMFtOc4xQsgmcJl6Yymi/Z8Ai7+Y+RCucY2ffWTa07QHj52sCo\n\
x5uV6vt4BMEh+N5Aekx8uvkiCkKZz0QsZdyxEf2y+lW13mwxtyzGsv7K857J66YN\n\
R7giXjWApTZu+B53FLl34kFSbQlKuCaMK6Xutj4KPEOKCD8ArsOR5SuCIntdsm/A\n\
G8sBz9XhAgMBAAECggEAEJ/Lybdo4sXvCyc0x+1gzSQhZgUSENPIQw2kKLHeOkmC\n\
Rv53GOD5JTJCVvK9VQHUbwSYEmBGn1gbkzeuExUK69AKdedrNzwUtir/WdZLZFIO\n\
wnVWW/KGxlYaj1X2CE7RgCx3ux7qKa+o8XxwMKQlG0sMDIgSdmFVz7RM0c1uaaIE\n\
S3vekTdkiSA+GABTierSzYXcAlODtxghhHIdN8ZWMZhW4lkrT2Cqh5V0UkC5sFK6\n\
TTuUtqLxgSbsQw3QAQML/rDmVegfBr/xvQPojCohm/3X1NyRp1+yHJvwVjxPQB8F\n\
EeTwh4zemTnyvpkr9C06qbCswBrmCIP7J8Y0teVMXQKBgQDN2UsRbjlJtymtPxDr\n\
xkCQTSJ79H0T3+iuJp4XH77IauWHkJhqCpyIcNnbk1LFIkXH3l1sts8uw5ntlHPp\n\
OeJPD+v/2+LFsYloPUaeaY86BUVADBF+CLSrly7msS8vncmOk4R3eKWBmk2GmV2O\n\
9iELWKBbClmoaOUFC2qNcg8xFQKBgQC2uRa0rCc7bGPaRJEfvr+qhECNgg50wzpe\n\
glj22arXVVxz8v1vay4P2eyqtUTq3IeXUh6RnPkjmbwsTVyhlEXTmVmHmgKZzQvE\n\
7hhVJJNv7N9RIf3aD7eUjUOp9W48QnYDjtaejPDOLdGMqoSbQ2qAq20a8U1G8NTr\n\
dfoGalrMnQKBgQCBzzV3mHqn8clmZw7UoAC2/u1wHY2CqwCgUdn/2xUEbeSwyI5U\n\
0LxFjmTUAuN/TU2T7LYdiGq+orq/B47Q1J/SG8hHYPJwmLR996ZA33BitlAlQ3cE\n\
c5j7XCtHbxTCgk5Iit5OONamFBgveSd2r9/Gt+znfG9ttDg4JirbZ8IMwQKBgQCI\n\
WUVgPLZp2VAJp/DDR4uuqlGhRtOSvbvomkvYqESbus7qlwAXDFuq6Gt6Vxm+SCHG\n\
ATleX0xqDGYmiPP+fq48X8o3Le2S5zdJFIKDxm9erdtWp47OEbxj1aYQRVylCtMV\n\
hJkSZwmqUPZ1iSi602u96C3aVQXdUgkQS1DvSJ3I4QKBgCmP3aoHfdI93QcSN7Tl\n\
7NMAvd7ZlUyaX6NdZ/kPfLvqZV5iyPqSvhYWc5aG2+r/b62acgt8WqTKLMl3yQKl\n\
yaq9hu+PoFEQT4FzXJ1VKI6oJV2ybs4SaUo410AwQELqqtAmMyZSP9LnxY0R+4Ke\n\
ohLwx2PY/J8AUAwyaEOgODBe\n\
-----END PRIVATE KEY-----\n\
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::signer::Signer as _;

    #[test]
    fn every_algorithm_but_rs256_has_a_test_key() {
        let signer = signer();
        for alg in [Alg::Es256, Alg::EdDsa, Alg::Ps256] {
            assert!(signer.active(alg).is_some(), "{alg:?}");
        }
        assert_eq!(public().keys().len(), 3);
    }
}
