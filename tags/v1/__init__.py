"""What /v1 shows of the vocabulary (contract TIM)."""
