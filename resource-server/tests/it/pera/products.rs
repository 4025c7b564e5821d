//! Section 8.2: products.

use super::*;

fn ids(answer: &Answered) -> Vec<&str> {
    answer.body["data"].as_array().unwrap().iter().map(|one| one["productId"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn section_8_2_products_are_ordered_filtered_and_paged() {
    for world in crate::fixture::everywhere().await {
        stocked(&world).await;
        let list = |query: &'static str| {
            world.call(Ask::get(&format!("/banking/products{query}")).token(&own_claims("products")))
        };
        let all = list("").await;
        assert_eq!(ids(&all), ["GS-10Y", "INS-01", "MF-US-01", "UITF-BD-01", "UITF-EQ-01"], "{}", world.name);
        assert_eq!(ids(&list("?product-type=UITF").await), ["UITF-BD-01", "UITF-EQ-01"]);
        assert_eq!(ids(&list("?product-type=UITF&risk-rating=CONSERVATIVE").await), ["UITF-BD-01"]);
        assert_eq!(ids(&list("?currency=USD").await), ["MF-US-01"]);
        assert_eq!(ids(&list("?currency=USD&product-type=UITF").await), [""; 0]);
        let page = list("?page=2&page-size=2").await;
        assert_eq!(ids(&page), ["MF-US-01", "UITF-BD-01"]);
        assert_eq!(page.body["meta"], json!({"total-records": 5, "total-pages": 3}));
        for (bad, path) in [
            ("?product-type=uitf", "product-type"),
            ("?currency=AED", "currency"),
            ("?risk-rating=HIGH", "risk-rating"),
            ("?page=x", "page"),
        ] {
            let answer = list(bad).await;
            assert_eq!((answer.status, answer.code()), (400, "INVALID_FIELD"), "{bad}");
            assert_eq!(answer.body["errors"][0]["path"], path);
        }
    }
}

#[tokio::test]
async fn section_8_2_a_client_needs_the_scope_and_a_customer_none() {
    let world = bank().await;
    let get = || Ask::get("/banking/products");
    let without = world.call(get().token(&own_claims("consent"))).await;
    assert_eq!((without.status, without.code()), (403, "INSUFFICIENT_SCOPE"));
    world.consent("c-1", &[Permission::PeraBasicInfo], None).await;
    let customer = world.call(get().token(&claims("c-1", "accounts.basic"))).await;
    assert_eq!(customer.status, 200, "{}", customer.body);
}
