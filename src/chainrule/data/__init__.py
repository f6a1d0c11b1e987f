"""Tables in, arrays out: reading, types, inputs and targets, splits. Every automatic choice is a `Note`."""
