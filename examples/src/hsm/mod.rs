//! Signing keys in a device that speaks PKCS #11 (OASIS PKCS #11 Specification, version 3.0), proven with SoftHSM.
//!
//! Keys are made in the device, are marked sensitive and not extractable, and never leave it; the ring keeps their
//! public halves and the identifiers under which the device knows them. The device is asked on threads of its own, and
//! a request waits for it two seconds at most: one that hangs or fails is a fault of the signer (503), and nothing was
//! spent before.

mod device;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use oauth_core::jose::{Alg, PublicJwk};
use oauth_core::{Entropy, Fault, Issuer, KeyMaterial, KeyVault, NewKey, PrivateKey, RingKey, key_name};
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use device::Device;

/// How long a request waits for a signature.
const SIGN_TIME_MAX: Duration = Duration::from_secs(2);
/// How long the making of a key may take.
const MAKE_TIME_MAX: Duration = Duration::from_secs(60);
/// Sessions held open, each with a thread: how many signatures are made at one time.
const SESSIONS: usize = 4;
/// Bytes of the identifier of a key in the device.
const ID_BYTES: usize = 16;
/// What stands before the identifier in the ring, so that no sealed key is taken for one.
const MATERIAL_PREFIX: &[u8] = b"pkcs11:";
/// P-256 as a DER object identifier (RFC 5480 section 2.1.1.1).
const P256_OID: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// Bits of an RSA modulus.
const RSA_BITS: u64 = 2048;

/// Where the device is.
#[derive(Debug, Clone)]
pub struct DeviceAddress {
    /// The vendor's library, for instance `/usr/lib/softhsm/libsofthsm2.so`.
    pub module: PathBuf,
    /// The label of the token.
    pub token: String,
}

/// A vault in a device.
pub struct DeviceVault {
    signing: Device<Open>,
    making: Device<Open>,
    entropy: Arc<dyn Entropy>,
}

impl DeviceVault {
    /// Loads the vendor's library. The token is opened when it is first needed, and again after a failure.
    ///
    /// # Errors
    /// When the library cannot be loaded.
    pub fn open(
        address: &DeviceAddress,
        pin: Zeroizing<String>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Fault> {
        let library = library(&address.module)?;
        let (token, pin) = (address.token.clone(), AuthPin::new(pin.as_str().into()));
        let open = Arc::new(move || Open::begin(&library, &token, &pin));
        let (signing, making) = (Arc::clone(&open), open);
        Ok(Self {
            signing: Device::start(SESSIONS, SIGN_TIME_MAX, move || signing())?,
            making: Device::start(1, MAKE_TIME_MAX, move || making())?,
            entropy,
        })
    }
}

impl std::fmt::Debug for DeviceVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceVault").field("signing", &self.signing).finish_non_exhaustive()
    }
}

fn library(module: &Path) -> Result<Pkcs11, Fault> {
    let library = Pkcs11::new(module).map_err(fault)?;
    match library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(library),
        Err(error) => Err(fault(error)),
    }
}

/// A session of one thread, and the keys it has found.
struct Open {
    session: Session,
    found: RefCell<HashMap<Vec<u8>, ObjectHandle>>,
}

impl Open {
    fn begin(library: &Pkcs11, token: &str, pin: &AuthPin) -> Result<Self, Fault> {
        let slots = library.get_slots_with_initialized_token().map_err(fault)?;
        let named = |slot: &cryptoki::slot::Slot| {
            library.get_token_info(*slot).is_ok_and(|info| info.label() == token)
        };
        let slot = slots.into_iter().find(named);
        let slot = slot.ok_or_else(|| Fault::new("device", format!("there is no token {token}")))?;
        let session = library.open_rw_session(slot).map_err(fault)?;
        // Sessions of one process share the login.
        match session.login(UserType::User, Some(pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(fault(error)),
        }
        Ok(Self { session, found: RefCell::new(HashMap::new()) })
    }

    fn make(&self, alg: Alg, id: &[u8]) -> Result<PublicJwk, Fault> {
        let common = |class| [Attribute::Class(class), Attribute::Token(true), Attribute::Id(id.to_vec())];
        let mut public = common(ObjectClass::PUBLIC_KEY).to_vec();
        public.extend([Attribute::Private(false), Attribute::Verify(true)]);
        let mut private = common(ObjectClass::PRIVATE_KEY).to_vec();
        private.extend([
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ]);
        let mechanism = match alg {
            Alg::Es256 => {
                public.push(Attribute::EcParams(P256_OID.to_vec()));
                Mechanism::EccKeyPairGen
            }
            Alg::Ps256 => {
                public.push(Attribute::ModulusBits(RSA_BITS.into()));
                public.push(Attribute::PublicExponent(vec![1, 0, 1]));
                Mechanism::RsaPkcsKeyPairGen
            }
            Alg::EdDsa | Alg::Rs256 => {
                return Err(Fault::new("device", format!("this vault makes no keys for {alg}")));
            }
        };
        let (made, _) = self.session.generate_key_pair(&mechanism, &public, &private).map_err(fault)?;
        self.public(alg, made)
    }

    fn public(&self, alg: Alg, key: ObjectHandle) -> Result<PublicJwk, Fault> {
        let wanted = match alg {
            Alg::Es256 | Alg::EdDsa => vec![AttributeType::EcPoint],
            Alg::Ps256 | Alg::Rs256 => vec![AttributeType::Modulus, AttributeType::PublicExponent],
        };
        let (mut point, mut n, mut e) = (Vec::new(), Vec::new(), Vec::new());
        for attribute in self.session.get_attributes(key, &wanted).map_err(fault)? {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "the library has a hundred kinds; three were asked for"
            )]
            match attribute {
                Attribute::EcPoint(bytes) => point = bytes,
                Attribute::Modulus(bytes) => n = bytes,
                Attribute::PublicExponent(bytes) => e = bytes,
                _ => {}
            }
        }
        let public = match alg {
            // A DER octet string around the point.
            Alg::Es256 | Alg::EdDsa => {
                PublicJwk::from_p256(point.strip_prefix(&[0x04, 0x41]).unwrap_or(&point))
            }
            Alg::Ps256 | Alg::Rs256 => PublicJwk::from_rsa(without_zeros(&n), without_zeros(&e)),
        };
        public.map_err(fault)
    }

    fn sign(&self, alg: Alg, id: &[u8], input: &[u8]) -> Result<Vec<u8>, Fault> {
        let key = self.private(id)?;
        let pss = PkcsPssParams {
            hash_alg: MechanismType::SHA256,
            mgf: PkcsMgfType::MGF1_SHA256,
            s_len: 32_u64.into(),
        };
        // Devices hash RSA input themselves; few do so for ECDSA, and all take the hash.
        let signed = match alg {
            Alg::Es256 => self.session.sign(&Mechanism::Ecdsa, key, digest(&SHA256, input).as_ref()),
            Alg::Ps256 => self.session.sign(&Mechanism::Sha256RsaPkcsPss(pss), key, input),
            Alg::EdDsa | Alg::Rs256 => {
                return Err(Fault::new("device", format!("this vault does not sign with {alg}")));
            }
        };
        signed.map_err(fault)
    }

    fn private(&self, id: &[u8]) -> Result<ObjectHandle, Fault> {
        if let Some(found) = self.found.borrow().get(id) {
            return Ok(*found);
        }
        let named = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Id(id.to_vec())];
        let found = self.session.find_objects(&named).map_err(fault)?;
        match found.as_slice() {
            [only] => {
                self.found.borrow_mut().insert(id.to_vec(), *only);
                Ok(*only)
            }
            [] => Err(Fault::new("device", "the device has no such key")),
            [..] => Err(Fault::new("device", "the device has several keys of one identifier")),
        }
    }
}

#[async_trait]
impl KeyVault for DeviceVault {
    async fn make(&self, _issuer: &Issuer, alg: Alg) -> Result<NewKey, Fault> {
        let drawn = self.entropy.draw()?;
        let id: Vec<u8> = drawn.iter().copied().take(ID_BYTES).collect();
        let material = KeyMaterial([MATERIAL_PREFIX, id.as_slice()].concat());
        let public = self.making.ask(move |open| open.make(alg, &id)).await?;
        let kid = key_name(alg, &public).map_err(fault)?;
        let public = public.for_signatures(&kid, alg).map_err(fault)?;
        Ok(NewKey { kid, alg, public, material })
    }

    async fn open(&self, _issuer: &Issuer, key: &RingKey) -> Result<Arc<dyn PrivateKey>, Fault> {
        let material = key.material.as_ref().map(|material| material.0.as_slice());
        let id = material.and_then(|material| material.strip_prefix(MATERIAL_PREFIX)).map(<[u8]>::to_vec);
        let id = id.ok_or_else(|| Fault::new("device", format!("{} is not a key of a device", key.kid)))?;
        let wanted = id.clone();
        self.signing.ask(move |open| open.private(&wanted).map(drop)).await?;
        Ok(Arc::new(InDevice { device: self.signing.clone(), alg: key.alg, id }))
    }

    fn reseal(&self, _issuer: &Issuer, _key: &RingKey) -> Result<Option<KeyMaterial>, Fault> {
        Ok(None)
    }
}

/// A private key in the device.
struct InDevice {
    device: Device<Open>,
    alg: Alg,
    id: Vec<u8>,
}

#[async_trait]
impl PrivateKey for InDevice {
    async fn sign(&self, input: &[u8]) -> Result<Vec<u8>, Fault> {
        let (alg, id, input) = (self.alg, self.id.clone(), input.to_vec());
        self.device.ask(move |open| open.sign(alg, &id, &input)).await
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let first = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    number.get(first..).unwrap_or_default()
}

fn fault(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Fault {
    Fault::new("device", source)
}
