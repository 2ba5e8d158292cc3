"""One photographed face that makes expressions: clips to train on, and a video to try a model on."""
