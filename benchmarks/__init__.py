"""What is measured, and against what. ``python -m benchmarks --help``; results go to docs/performance.md."""
