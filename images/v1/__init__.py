"""What /v1 shows of images, their files and what is known of them (contract TIM)."""
