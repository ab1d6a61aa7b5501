[
  inputs: ["{mix,.formatter}.exs", "{bench,demo,lib,test}/**/*.{ex,exs}"]
]
