"""What a camera in a page begins with, for _camera.js."""

CURTAIN = """
      <div class="curtain" id="curtain">
        <svg viewBox="0 0 48 48" aria-hidden="true">
          <path d="M6 15h8l4-6h12l4 6h8a2 2 0 0 1 2 2v21a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2V17a2 2 0 0 1 2-2z"/>
          <circle cx="24" cy="27" r="8"/>
        </svg>
        <p id="trouble" role="alert" hidden></p>
        <button type="button" id="on">Switch the camera on</button>
      </div>
      <select class="small" id="camera" aria-label="Camera" hidden></select>
      <button type="button" class="small" id="off" hidden>Switch off</button>
"""
"""Over the video while the camera is off; then which camera it is, and the button that switches it off."""
