"""What /v1 shows of searches, and how every list of images of /v1 is answered (contract TIM)."""
