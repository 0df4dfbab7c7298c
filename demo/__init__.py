"""A made-up, repeatable sample of the source tables, to see the service work without the live database."""
