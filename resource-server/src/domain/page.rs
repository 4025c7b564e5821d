//! Pages of a list. Page 1 always exists; any other page exists only while it holds something.

use serde::{Deserialize, Serialize};

/// Which page, and how many items on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredRequest", into = "StoredRequest")]
pub struct PageRequest {
    page: u32,
    size: u32,
}

impl PageRequest {
    /// Items per page when the caller does not say.
    pub const DEFAULT_SIZE: u32 = 25;
    /// Most items per page.
    pub const MAX_SIZE: u32 = 1000;
    /// Page 1 of the default size.
    pub const FIRST: Self = Self { page: 1, size: Self::DEFAULT_SIZE };

    /// Page from 1, size from 1 to [`PageRequest::MAX_SIZE`].
    ///
    /// # Errors
    /// [`PageFault`] says which number is out of bounds.
    pub fn new(page: u32, size: u32) -> Result<Self, PageFault> {
        if page == 0 {
            return Err(PageFault::Page);
        }
        if !(1..=Self::MAX_SIZE).contains(&size) {
            return Err(PageFault::Size);
        }
        Ok(Self { page, size })
    }

    /// Reads the two query parameters: ASCII digits without sign or leading zero; absent means the default.
    ///
    /// # Errors
    /// [`PageFault`] says which parameter is malformed or out of bounds.
    pub fn parse(page: Option<&str>, size: Option<&str>) -> Result<Self, PageFault> {
        let page = page.map_or(Some(1), far).ok_or(PageFault::Page)?;
        let size = size.map_or(Some(Self::DEFAULT_SIZE), number).ok_or(PageFault::Size)?;
        Self::new(page, size)
    }

    /// The page, from 1.
    #[must_use]
    pub const fn page(self) -> u32 {
        self.page
    }

    /// Items per page.
    #[must_use]
    pub const fn size(self) -> u32 {
        self.size
    }

    /// Items before this page.
    #[must_use]
    pub fn offset(self) -> u64 {
        u64::from(self.page.saturating_sub(1)).saturating_mul(u64::from(self.size))
    }

    /// Pages needed for so many items; none for none.
    #[must_use]
    pub fn total_pages(self, total_records: u64) -> u64 {
        total_records.div_ceil(u64::from(self.size.max(1)))
    }

    /// Whether this page exists in a list of so many items.
    ///
    /// # Errors
    /// [`PastTheEnd`], except for page 1.
    pub fn exists_in(self, total_records: u64) -> Result<(), PastTheEnd> {
        let total_pages = self.total_pages(total_records);
        if self.page > 1 && u64::from(self.page) > total_pages {
            return Err(PastTheEnd { page: self.page, total_pages });
        }
        Ok(())
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    items: Vec<T>,
    request: PageRequest,
    total_records: u64,
}

impl<T> Page<T> {
    /// The items a store found for `request` in a list of so many.
    ///
    /// # Errors
    /// [`PastTheEnd`] when the list has no such page.
    pub fn new(items: Vec<T>, request: PageRequest, total_records: u64) -> Result<Self, PastTheEnd> {
        request.exists_in(total_records)?;
        Ok(Self { items, request, total_records })
    }

    /// Cuts the page out of a list that is held whole.
    ///
    /// # Errors
    /// [`PastTheEnd`] when the list has no such page.
    pub fn cut(list: Vec<T>, request: PageRequest) -> Result<Self, PastTheEnd> {
        let total_records = u64::try_from(list.len()).unwrap_or(u64::MAX);
        let skip = usize::try_from(request.offset()).unwrap_or(usize::MAX);
        let take = usize::try_from(request.size).unwrap_or(usize::MAX);
        Self::new(list.into_iter().skip(skip).take(take).collect(), request, total_records)
    }

    /// The items of this page.
    #[must_use]
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// The items, taken out.
    #[must_use]
    pub fn into_items(self) -> Vec<T> {
        self.items
    }

    /// The same page of other things.
    #[must_use]
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(each).collect(),
            request: self.request,
            total_records: self.total_records,
        }
    }

    /// What was asked.
    #[must_use]
    pub const fn request(&self) -> PageRequest {
        self.request
    }

    /// Items in the whole list.
    #[must_use]
    pub const fn total_records(&self) -> u64 {
        self.total_records
    }

    /// Pages in the whole list; none when it is empty.
    #[must_use]
    pub fn total_pages(&self) -> u64 {
        self.request.total_pages(self.total_records)
    }

    /// The page before this one.
    #[must_use]
    pub fn prev(&self) -> Option<u64> {
        u64::from(self.request.page).checked_sub(1).filter(|page| *page > 0)
    }

    /// The page after this one.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        u64::from(self.request.page).checked_add(1).filter(|page| *page <= self.total_pages())
    }
}

/// A page or a size out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// Not a whole number from 1.
    #[error("page is not a whole number from 1")]
    Page,
    /// Not a whole number from 1 to [`PageRequest::MAX_SIZE`].
    #[error("page size is not a whole number from 1 to 1000")]
    Size,
}

/// A page beyond the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("page {page} of {total_pages}")]
pub struct PastTheEnd {
    /// What was asked.
    pub page: u32,
    /// What there is.
    pub total_pages: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredRequest {
    page: u32,
    size: u32,
}

impl TryFrom<StoredRequest> for PageRequest {
    type Error = PageFault;
    fn try_from(stored: StoredRequest) -> Result<Self, PageFault> {
        Self::new(stored.page, stored.size)
    }
}

impl From<PageRequest> for StoredRequest {
    fn from(request: PageRequest) -> Self {
        Self { page: request.page, size: request.size }
    }
}

/// `u32::from_str` would also take a plus sign.
fn number(text: &str) -> Option<u32> {
    is_number(text).then(|| text.parse().ok()).flatten()
}

/// The same, however large: no list has so many pages, so what does not fit is a page beyond the last.
fn far(text: &str) -> Option<u32> {
    is_number(text).then(|| text.parse().unwrap_or(u32::MAX))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pages_are_counted_from_one_and_sizes_are_bounded() {
        assert_eq!(PageRequest::new(0, 25), Err(PageFault::Page));
        assert_eq!(PageRequest::new(1, 0), Err(PageFault::Size));
        assert_eq!(PageRequest::new(1, 1001), Err(PageFault::Size));
        assert!(PageRequest::new(u32::MAX, 1000).is_ok());
        assert_eq!(PageRequest::parse(None, None), Ok(PageRequest::FIRST));
        assert_eq!(PageRequest::parse(Some("2"), Some("1000")), PageRequest::new(2, 1000));
        for text in ["", "0", "x", "+5", "-1", "05", "1.0", " 1", "\u{ff11}"] {
            assert_eq!(PageRequest::parse(Some(text), None), Err(PageFault::Page), "{text:?}");
            assert_eq!(PageRequest::parse(None, Some(text)), Err(PageFault::Size), "{text:?}");
        }
        for text in ["4294967295", "4294967296", "99999999999999999999"] {
            assert_eq!(
                PageRequest::parse(Some(text), None),
                PageRequest::new(u32::MAX, 25),
                "beyond all lists"
            );
            assert_eq!(PageRequest::parse(None, Some(text)), Err(PageFault::Size), "{text:?}");
        }
    }

    #[test]
    fn page_one_of_an_empty_list_exists_and_page_two_does_not() {
        let second = PageRequest::new(2, 10).unwrap();
        let empty = Page::<u8>::cut(vec![], PageRequest::FIRST).unwrap();
        assert_eq!((empty.total_pages(), empty.prev(), empty.next()), (0, None, None));
        assert_eq!(Page::<u8>::cut(vec![], second), Err(PastTheEnd { page: 2, total_pages: 0 }));
        assert_eq!(Page::cut(vec![0; 10], second), Err(PastTheEnd { page: 2, total_pages: 1 }));
        let last = Page::cut(vec![0; 11], second).unwrap();
        assert_eq!((last.items().len(), last.prev(), last.next()), (1, Some(1), None));
    }

    proptest! {
        #[test]
        fn all_pages_together_are_the_list(length in 0_usize..200, size in 1_u32..50) {
            let list: Vec<usize> = (0..length).collect();
            let mut together = Vec::new();
            let mut next = Some(1);
            while let Some(page) = next {
                let request = PageRequest::new(u32::try_from(page).unwrap(), size).unwrap();
                let page = Page::cut(list.clone(), request).unwrap();
                next = page.next();
                together.extend(page.into_items());
            }
            prop_assert_eq!(together, list);
        }
    }
}
