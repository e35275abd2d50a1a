//! Channel traffic, presence and control between nodes: the cluster's side.
