//! From the checked tree to a typed value. Stricter than the JSON crate's own reading in two points: a struct comes
//! from an object and never from an array, and nothing may be left over. Faults carry their path and never the value.

use std::fmt;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde_json::Value;

use super::{JsonFault, JsonPath};

/// A tree to be read as a typed value.
pub(super) struct Strict<'t>(pub(super) &'t Value);

impl<'de> Deserializer<'de> for Strict<'_> {
    type Error = JsonFault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), _, _) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, Some(value)) => visitor.visit_f64(value),
                (None, None, None) => Err(JsonFault::NotFinite),
            },
            Value::String(value) => visitor.visit_str(value),
            Value::Array(items) => {
                let mut list = List { rest: items.iter(), index: 0 };
                let value = visitor.visit_seq(&mut list)?;
                if list.rest.len() > 0 { Err(shape("a shorter array")) } else { Ok(value) }
            }
            Value::Object(members) => {
                let mut object = Object { rest: members.iter(), current: None };
                let value = visitor.visit_map(&mut object)?;
                if object.rest.len() > 0 { Err(shape("fewer members")) } else { Ok(value) }
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, JsonFault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, JsonFault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonFault> {
        if self.0.is_object() { self.deserialize_any(visitor) } else { Err(shape("an object")) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonFault> {
        match self.0 {
            Value::String(name) => visitor.visit_enum(Variant { name, content: None }),
            Value::Object(members) if members.len() == 1 => match members.iter().next() {
                Some((name, content)) => visitor.visit_enum(Variant { name, content: Some(content) }),
                None => Err(shape("one member")),
            },
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(shape("a string, or an object with one member"))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

struct List<'t> {
    rest: std::slice::Iter<'t, Value>,
    index: usize,
}

impl<'de> SeqAccess<'de> for List<'_> {
    type Error = JsonFault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, JsonFault> {
        let Some(item) = self.rest.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(Strict(item)).map(Some).map_err(|fault| fault.below(&index.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Object<'t> {
    rest: serde_json::map::Iter<'t>,
    current: Option<(&'t str, &'t Value)>,
}

impl<'de> MapAccess<'de> for Object<'_> {
    type Error = JsonFault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, JsonFault> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        let key = seed.deserialize(de::value::StrDeserializer::<JsonFault>::new(name))?;
        self.current = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, JsonFault> {
        let Some((name, value)) = self.current.take() else {
            return Err(shape("a member"));
        };
        seed.deserialize(Strict(value)).map_err(|fault| fault.below(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Variant<'t> {
    name: &'t str,
    content: Option<&'t Value>,
}

impl<'de, 't> EnumAccess<'de> for Variant<'t> {
    type Error = JsonFault;
    type Variant = Content<'t>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'t>), JsonFault> {
        let name = de::value::StrDeserializer::<JsonFault>::new(self.name);
        Ok((seed.deserialize(name)?, Content(self.content)))
    }
}

struct Content<'t>(Option<&'t Value>);

impl<'t> Content<'t> {
    fn value(self) -> Result<Strict<'t>, JsonFault> {
        self.0.map(Strict).ok_or_else(|| shape("an object with one member"))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = JsonFault;

    fn unit_variant(self) -> Result<(), JsonFault> {
        if self.0.is_none() { Ok(()) } else { Err(shape("a string")) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, JsonFault> {
        seed.deserialize(self.value()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, JsonFault> {
        self.value()?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, JsonFault> {
        self.value()?.deserialize_struct("", fields, visitor)
    }
}

fn shape(expected: &str) -> JsonFault {
    JsonFault::Shape { at: JsonPath::default(), expected: expected.to_owned() }
}

impl de::Error for JsonFault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Refused(JsonPath::default())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        shape(&expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        shape(&expected.to_string())
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        shape(&expected.to_string())
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        shape(&format!("one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::Unknown(JsonPath::to(field))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(JsonPath::to(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::Repeated(JsonPath::to(field))
    }
}
