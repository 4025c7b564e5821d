//! The description of the interface.

use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn every_route_is_described_under_its_own_name() {
    let world = file().await;
    let (_, document) = world.service.descriptions().remove(0);
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for route in world.service.routes().iter().filter(|route| route.path.starts_with("/OFPH")) {
        let method = route.method.as_str().to_ascii_lowercase();
        let said = &document["paths"][&route.path][&method];
        let id = said["operationId"].as_str().unwrap_or_else(|| panic!("{} is not described", route.path));
        assert!(ids.insert(id.to_owned()), "{id} is taken twice");
        assert!(said["responses"]["401"]["content"].is_object() && said["security"].is_array(), "{id}");
        assert_eq!(said["responses"].get("default"), None, "{id}: every status is named");
    }
    assert_eq!(ids.len(), 22);
}

#[tokio::test]
async fn every_reference_leads_to_a_schema_and_every_schema_is_used() {
    let world = file().await;
    let (_, document) = world.service.descriptions().remove(0);
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    let known: BTreeSet<String> =
        document["components"]["schemas"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(used, known);
}

fn references(value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get("$ref") {
                used.insert(to.strip_prefix("#/components/schemas/").unwrap().to_owned());
            }
            members.values().for_each(|value| references(value, used));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, used)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_description_is_published_for_everybody() {
    let world = file().await;
    let answer = world.call(Ask::at_root("GET", "/openapi/ofxpera.json")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.body["info"]["title"], "OFxPERA");
    assert_eq!(world.call(Ask::at_root("GET", "/openapi/nothing.json")).await.status, 404);
    assert_eq!(world.call(Ask::at_root("POST", "/openapi/ofxpera.json")).await.status, 405);
}
