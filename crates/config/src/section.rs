//! `sections!` and `choices!`: the declarations from which the whole schema derives.
//!
//! A declaration gives a key its name, type, default and documentation once. The structs, the key
//! table, the names of variables and flags, the checks for unknown keys and the printed defaults
//! all come from it.

/// Declares groups of keys.
///
/// `key: Type = "default"` is one key, its default written as in a variable; without one the
/// type's own default holds. `field as "key": Type` gives it another name in the code.
/// `[flat] field: Type` puts the keys of another group among this group's.
macro_rules! sections {
    ($(
        $(#[doc = $about:literal])+
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $([$flat:ident])? $field:ident $(as $key:literal)? : $type:ty $(= $default:literal)?
            ),* $(,)?
        }
    )+) => { $(
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: sections!(@default $type $(, $default)?), )* }
            }
        }

        impl $crate::setting::Section for $name {
            fn fields() -> Vec<$crate::setting::Field> {
                [$( sections!(
                    @field [$($flat)?] sections!(@name $field $(, $key)?), concat!($($doc),+), $type
                ), )*].concat()
            }

            fn read_key(
                &mut self,
                key: &str,
                value: &serde_json::Value,
                at: &str,
                reading: &mut $crate::setting::Reading<'_>,
            ) -> bool {
                $( sections!(
                    @read [$($flat)?] [$($default)?] sections!(@name $field $(, $key)?),
                    self.$field, key, value, at, reading
                ); )*
                false
            }

            fn show_into(&self, object: &mut serde_json::Map<String, serde_json::Value>) {
                $( sections!(
                    @show [$($flat)?] object, sections!(@name $field $(, $key)?), self.$field
                ); )*
            }
        }

        impl $crate::setting::Setting for $name {
            fn kind() -> $crate::setting::Kind {
                $crate::setting::Kind::Section(
                    <Self as $crate::setting::Section>::fields()
                )
            }

            fn read(
                &mut self,
                value: &serde_json::Value,
                at: &str,
                reading: &mut $crate::setting::Reading<'_>,
            ) {
                $crate::setting::read_section(self, value, at, reading);
            }

            fn show(&self) -> serde_json::Value {
                let mut object = serde_json::Map::new();
                $crate::setting::Section::show_into(self, &mut object);
                serde_json::Value::Object(object)
            }
        }
    )+ };

    (@name $field:ident, $key:literal) => { $key };
    (@name $field:ident) => { stringify!($field) };

    (@default $type:ty, $default:literal) => {
        $crate::value::default_value::<$type>($default)
    };
    (@default $type:ty) => { <$type>::default() };

    (@field [flat] $name:expr, $doc:expr, $type:ty) => {
        <$type as $crate::setting::Section>::fields()
    };
    (@field [] $name:expr, $doc:expr, $type:ty) => {
        vec![$crate::setting::Field {
            name: $name,
            doc: $doc.trim_ascii(),
            kind: <$type as $crate::setting::Setting>::kind(),
        }]
    };

    (@read [flat] [] $name:expr, $self:ident.$field:ident, $key:ident, $value:ident, $at:ident, $reading:ident) => {
        if $crate::setting::Section::read_key(&mut $self.$field, $key, $value, $at, $reading) {
            return true;
        }
    };
    (@read [] [] $name:expr, $self:ident.$field:ident, $key:ident, $value:ident, $at:ident, $reading:ident) => {
        if $key == $name {
            $crate::setting::Setting::read(&mut $self.$field, $value, $at, $reading);
            return true;
        }
    };
    (@read [] [$default:literal] $name:expr, $self:ident.$field:ident, $key:ident, $value:ident, $at:ident, $reading:ident) => {
        if $key == $name {
            if !$reading.leaves_default($value) {
                $crate::setting::Setting::read(&mut $self.$field, $value, $at, $reading);
            }
            return true;
        }
    };

    (@show [flat] $object:ident, $name:expr, $self:ident.$field:ident) => {
        $crate::setting::Section::show_into(&$self.$field, $object);
    };
    (@show [] $object:ident, $name:expr, $self:ident.$field:ident) => {
        $object.insert($name.to_owned(), $crate::setting::Setting::show(&$self.$field));
    };
}

/// Declares keys that hold one of a few strings. The first is the default of the type.
macro_rules! choices {
    ($(
        $(#[doc = $about:literal])+
        $name:ident { $(#[doc = $first_doc:literal])+ $first:ident = $first_text:literal,
            $( $(#[doc = $doc:literal])+ $variant:ident = $text:literal, )*
        }
    )+) => { $(
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum $name {
            $(#[doc = $first_doc])+
            #[default]
            $first,
            $( $(#[doc = $doc])+ $variant, )*
        }

        impl $name {
            const ALL: &'static [(&'static str, Self)] =
                &[($first_text, Self::$first), $( ($text, Self::$variant), )*];
            const TEXTS: &'static [&'static str] = &[$first_text, $( $text, )*];

            /// The string that stands for this choice in a file.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_text,
                    $( Self::$variant => $text, )*
                }
            }
        }

        impl $crate::setting::Setting for $name {
            fn kind() -> $crate::setting::Kind {
                $crate::setting::Kind::Choice(Self::TEXTS)
            }

            fn read(
                &mut self,
                value: &serde_json::Value,
                at: &str,
                reading: &mut $crate::setting::Reading<'_>,
            ) {
                let found = value.as_str().and_then(|text| {
                    Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text))
                });
                match found {
                    Some((_, choice)) => {
                        *self = *choice;
                        reading.touch(at);
                    }
                    None => {
                        let texts = $crate::setting::or_list(Self::TEXTS);
                        reading.wrong(at, value, &format!("is not known; write {texts}"));
                    }
                }
            }

            fn show(&self) -> serde_json::Value {
                self.as_str().into()
            }
        }
    )+ };
}

pub(crate) use {choices, sections};
