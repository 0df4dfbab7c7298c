"""The figures: one module per subject, pure functions of tables and a period, with their result types."""
