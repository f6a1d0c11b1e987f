"""What lectures teach: worked examples with their true numbers, the search for weights, exercises and their marking."""
