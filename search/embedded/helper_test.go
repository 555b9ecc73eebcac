package embedded_test

const helperEnv = "BIRDWATCH_EMBEDDED_HELPER"

func helper() int { return 0 }
