"""What the doctor is told of people, of managed keys, and of the keys that seal them."""
