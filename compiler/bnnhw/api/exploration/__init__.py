"""Many designs of one model: boards, targets and precisions, each as an estimate."""
