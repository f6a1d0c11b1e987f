"""What lectures teach: worked examples with their true numbers."""
