//! Public keys as an endpoint tells them: a JSON Web Key Set (RFC 7517, section 5; RFC 7518, section 6; RFC 8037).

use veche_protocol::json::raw::RawJson;

use crate::algorithm::PublicAlgorithm;
use crate::jws::{brief, decode};
use crate::key::{Curve, PublicKey};
use crate::object::{self, Object};

/// Members that only a private or a shared key has.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The keys of one endpoint.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Clone, Debug)]
struct Jwk {
    id: String,
    /// The key, or why it can't be used.
    key: Result<PublicKey, String>,
}

impl KeySet {
    /// Reads a set. A key that can't be used harms no other: it is kept with the reason.
    ///
    /// # Errors
    /// What is wrong with the whole.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let set = Object::parse(json).ok_or("it is not a JSON object")?;
        let keys = match set.get_exact("keys") {
            Some(keys) if set.repeated().is_none() => keys.list(),
            _ => None,
        }
        .ok_or("it has no list `keys`")?;
        Ok(Self {
            keys: keys.into_iter().filter_map(Jwk::read).collect(),
        })
    }

    /// Whether a key of this id is in the set, of use or not.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }

    /// The ids of its keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// The key of this id for this algorithm; of several the last. An error says why there is none.
    pub(crate) fn find(&self, id: &str, algorithm: PublicAlgorithm) -> Result<&PublicKey, String> {
        let mut why = None;
        for jwk in self.keys.iter().rev().filter(|jwk| jwk.id == id) {
            match &jwk.key {
                Ok(key) if key.algorithms().any(|its| its == algorithm) => return Ok(key),
                Ok(key) => {
                    let its: Vec<_> = key.algorithms().map(|it| it.to_string()).collect();
                    why = Some(format!("is for {} and not for {algorithm}", its.join(", ")));
                }
                Err(reason) => why = why.or_else(|| Some(format!("can't be used: {reason}"))),
            }
        }
        let why = why.unwrap_or_else(|| "is not in the key set".to_owned());
        Err(format!("key {} {why}", brief(id)))
    }
}

impl Jwk {
    /// A key with an id; others can't be asked for.
    fn read(value: RawJson<'_>) -> Option<Self> {
        let jwk = Object::of(value)?;
        let id = text(&jwk, "kid").ok()??;
        Some(Self {
            id,
            key: read_key(&jwk),
        })
    }
}

fn read_key(jwk: &Object<'_>) -> Result<PublicKey, String> {
    if let Some(name) = jwk.repeated() {
        return Err(format!("it has {} twice", brief(name)));
    }
    let kind = required(jwk, "kty")?;
    if let Some(name) = PRIVATE.iter().find(|name| jwk.get_exact(name).is_some()) {
        return Err(format!(
            "it has the member `{name}` of a private or shared key, which everybody can read now"
        ));
    }
    if let Some(usage) = text(jwk, "use")?
        && usage != "sig"
    {
        return Err(format!("its `use` is {} and not \"sig\"", brief(&usage)));
    }
    if let Some(operations) = member(jwk, "key_ops", object::strings)?
        && !operations.iter().any(|it| it == "verify")
    {
        return Err("its `key_ops` do not have \"verify\"".to_owned());
    }
    let key = match kind.as_str() {
        "RSA" => PublicKey::rsa(&bytes(jwk, "n")?, &bytes(jwk, "e")?),
        "EC" => {
            let (curve, point) = point(jwk)?;
            PublicKey::ecdsa(curve, &point)
        }
        "OKP" => match required(jwk, "crv")?.as_str() {
            "Ed25519" => PublicKey::ed25519(&bytes(jwk, "x")?),
            other => return Err(format!("its curve {} is not Ed25519", brief(other))),
        },
        other => return Err(format!("its `kty` {} is not RSA, EC or OKP", brief(other))),
    }
    .map_err(|error| error.to_string())?;
    let Some(name) = text(jwk, "alg")? else {
        return Ok(key);
    };
    PublicAlgorithm::named(&name)
        .and_then(|algorithm| key.only(algorithm))
        .ok_or_else(|| format!("its `alg` {} is not one of such a key", brief(&name)))
}

/// The curve, and its point without compression. Some makers drop zeros at the front of a coordinate.
fn point(jwk: &Object<'_>) -> Result<(Curve, Vec<u8>), String> {
    let curve = match required(jwk, "crv")?.as_str() {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        "P-521" => Curve::P521,
        other => {
            return Err(format!(
                "its curve {} is not P-256, P-384 or P-521",
                brief(other)
            ));
        }
    };
    let mut point = vec![4];
    for name in ["x", "y"] {
        let coordinate = bytes(jwk, name)?;
        let zeros = curve
            .coordinate()
            .checked_sub(coordinate.len())
            .ok_or_else(|| format!("its `{name}` is too long for its curve"))?;
        point.resize(point.len() + zeros, 0);
        point.extend(coordinate);
    }
    Ok((curve, point))
}

fn bytes(jwk: &Object<'_>, name: &str) -> Result<Vec<u8>, String> {
    decode(&required(jwk, name)?)
        .filter(|bytes| !bytes.is_empty())
        .ok_or_else(|| format!("its `{name}` is not base64url"))
}

fn required(jwk: &Object<'_>, name: &str) -> Result<String, String> {
    text(jwk, name)?.ok_or_else(|| format!("it has no `{name}`"))
}

fn text(jwk: &Object<'_>, name: &str) -> Result<Option<String>, String> {
    member(jwk, name, object::string)
}

fn member<T>(
    jwk: &Object<'_>,
    name: &str,
    read: fn(RawJson<'_>) -> Option<T>,
) -> Result<Option<T>, String> {
    let Some(value) = jwk.get_exact(name) else {
        return Ok(None);
    };
    let read = read(value).ok_or_else(|| format!("its `{name}` is of the wrong type"))?;
    Ok(Some(read))
}
