"""What a run says of itself: audit log, metrics, progress. Events in, no stores."""
