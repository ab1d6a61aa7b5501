[
  inputs: ["{mix,.formatter}.exs", "{demo,lib,test}/**/*.{ex,exs}"]
]
