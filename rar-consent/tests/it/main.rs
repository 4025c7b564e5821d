//! The consent engine as an embedder sees it.
